# What a JupyterHub starts for a learner: their copies of the chapters, then Jupyter's own server.
# Its options are jupyterhub-singleuser's.

import os
import signal
import subprocess
from pathlib import Path

from jupyterhub.singleuser import main

own = Path.home() / "stopover"
subprocess.run(["node", str(Path(__file__).parent / "copy.mjs"), str(own)], check=True)
os.chdir(own / "notebooks")

# A hub stops a server by SIGINT first. Without a terminal that ends it before its kernels, and
# tslab's would run for ever; SIGTERM ends the kernels too.
signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
main()
