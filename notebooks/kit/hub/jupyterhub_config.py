# A class on one server: each learner has copies of the chapters and kernels of their own.
#
#     pip install jupyterhub jupyterlab && npm install --global configurable-http-proxy
#     npm ci && npm run build
#     jupyterhub -f notebooks/kit/hub/jupyterhub_config.py
#
# Who may log in, where the hub listens and what a learner may use of the machine is the teacher's
# to say: in a config of their own that begins with load_subconfig("…/jupyterhub_config.py").
# TEACHING.md tells the rest.

import subprocess
import sys
from pathlib import Path

kit = Path(__file__).resolve().parent.parent

# The kernel and the engine of the pages that move, where this Python's Jupyter finds them.
subprocess.run(["node", str(kit / "jupyter.mjs"), sys.prefix], check=True)

c = get_config()  # noqa: F821

# A learner's server copies what it lacks of the chapters, and is then Jupyter's own.
c.Spawner.cmd = [sys.executable, str(kit / "hub" / "singleuser.py")]
c.Spawner.default_url = "/lab/tree/index.ipynb"
# "yes" gives the learners the solutions, too.
c.Spawner.environment = {"STOPOVER_SOLUTIONS": "no"}
# A kernel takes some 300 MB; those that nobody has used for half an hour end.
c.Spawner.args = [
    "--MappingKernelManager.cull_idle_timeout=1800",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
    "--KernelSpecManager.ensure_native_kernel=False",
    "--KernelSpecManager.allowed_kernelspecs=tslab",
]
