"""What may stand before the stub: our gateway, nginx bare, nginx that asks us, LiteLLM's proxy.

Each is a process on a free port of this machine, in the set-up that favours it: no access log, kept
connections, and for LiteLLM neither keys nor a database.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from touchstone.bench.gateways.processes import found, free_port, running_process, wait_until
from touchstone.bench.gateways.scene import Ports, Scene

LITELLM = "TOUCHSTONE_BENCH_LITELLM"
"""The variable that says where the `litellm` program is, if not on the PATH."""
_MAIN = "import sys; from touchstone.cli import main; sys.exit(main())"
_NGINX = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream stub {{
        server 127.0.0.1:{upstream};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
{asked}
    server {{
        listen 127.0.0.1:{port};
        location /v1/ {{
            {asks}
            proxy_pass http://stub;
        }}
{asking}
    }}
}}
"""
_ASKED = """\
    upstream decisions {{
        server 127.0.0.1:{decisions};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
"""
_ASKING = """\
        location = /_decide {
            internal;
            proxy_pass http://decisions/for/final/instant;
            proxy_pass_request_body off;
            proxy_pass_request_headers off;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
            proxy_set_header Authorization $http_authorization;
        }
"""


@contextmanager
def gateway(scene: Scene, upstream: int, workers: int) -> Iterator[Ports]:
    """Our gateway, as `touchstone gateway serve` runs it; the feed is to hold a bundle."""
    ports = Ports(free_port(), free_port(), free_port())
    config = scene.config(ports, upstream, workers)
    command = [sys.executable, "-P", "-c", _MAIN, "gateway", "serve", str(config)]
    with running_process(command, scene.folder, "gateway") as process:
        wait_until(process, ports.admin, "/readyz", scene.folder, "gateway")
        yield ports


def nginx_program() -> str | None:
    """Where nginx is; Debian's lies where not every PATH leads. None: it is not installed."""
    return found("nginx", "/usr/sbin", "/usr/local/sbin")


@contextmanager
def nginx(program: str, folder: Path, upstream: int, decisions: int | None = None) -> Iterator[int]:
    """An nginx that passes everything on; where `decisions` is a port, it asks there first."""
    port = free_port()
    name = "nginx" if decisions is None else "nginx-asking"
    place = folder / name
    place.mkdir()
    text = _NGINX.format(
        port=port,
        upstream=upstream,
        asked="" if decisions is None else _ASKED.format(decisions=decisions),
        asks="" if decisions is None else "auth_request /_decide;",
        asking="" if decisions is None else _ASKING,
    )
    (place / "nginx.conf").write_text(text)
    command = [program, "-e", "stderr", "-p", f"{place}/", "-c", str(place / "nginx.conf")]
    with running_process(command, folder, name) as process:
        wait_until(process, port, "/", folder, name)
        yield port


def litellm_program() -> str | None:
    """Where LiteLLM's proxy is; None: it is not installed."""
    return os.environ.get(LITELLM) or found("litellm")


@contextmanager
def litellm(program: str, folder: Path, upstream: int) -> Iterator[int]:
    """LiteLLM's proxy with one model and one worker; it asks nobody who calls."""
    port = free_port()
    model = {
        "model_name": "subject",
        "litellm_params": {
            "model": "openai/subject",
            "api_base": f"http://127.0.0.1:{upstream}/v1",
            "api_key": "none",
        },
    }
    # JSON is YAML too.
    config = folder / "litellm.yaml"
    config.write_text(json.dumps({"model_list": [model]}))
    command = [
        program,
        "--config",
        str(config),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--num_workers",
        "1",
        "--telemetry",
        "False",
    ]
    env = {
        # Its table of prices would else be fetched from the internet at every start.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        # It starts without a key only when told so; with one it would do more for each request.
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    with running_process(command, folder, "litellm", env) as process:
        wait_until(process, port, "/health/liveliness", folder, "litellm")
        yield port
