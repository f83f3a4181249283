// tslab's kernel, as Jupyter starts it: kernel --config-path=FILE.

import { createRequire } from "node:module";
import { hearingOnceBound } from "./bound.mjs";

const require = createRequire(import.meta.url);
hearingOnceBound(require("tslab/dist/jupyter.js").ZmqServer);
require("tslab/dist/main.js").main();
