# The class's configuration, for a try on this machine: loopback alone, two users without accounts,
# all files in one folder.

import os
import sys

folder = os.environ["JUDGE_FOLDER"]
project = os.environ["JUDGE_PROJECT"]
public, proxy, hub = (int(port) for port in os.environ["JUDGE_PORTS"].split(","))

load_subconfig(f"{project}/notebooks/kit/hub/jupyterhub_config.py")  # noqa: F821
c = get_config()  # noqa: F821

c.JupyterHub.bind_url = f"http://127.0.0.1:{public}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = hub
c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{folder}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{folder}/proxy.pid"

c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["JUDGE_TOKEN"]
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = folder + "/home/{username}"
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 180
if os.getuid() == 0:
    c.Spawner.args = c.Spawner.args + ["--allow-root"]
# simple spawners hand on little of the environment
c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL"]

c.JupyterHub.services = [{"name": "judge", "api_token": os.environ["JUDGE_TOKEN"]}]
c.JupyterHub.load_roles = [
    {
        "name": "judge",
        "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"],
        "services": ["judge"],
    }
]
