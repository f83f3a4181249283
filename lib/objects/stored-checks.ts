/**
 * The checks of kinds that are stored, and on which nobody here acts: who imports this has them.
 * They would be more than a hundredth of a page's own code, and only clients of a server write such
 * objects wrongly and wonder.
 */
import "./custom-schema.js";
import "./validation-definitions.js";
import "./stored-defaults.js";
import "./validation-cluster.js";
import "./validation-admission.js";
import "./validation-flow.js";
import "./validation-networking.js";
import "./validation-pod-rest.js";
import "./validation-pod-strict.js";
import "./validation-sources.js";
import "./validation-quota.js";
import "./validation-stored-statuses.js";
import "./validation-rights.js";
import "./validation-storage.js";
import "./validation-storage-more.js";
