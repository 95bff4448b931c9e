"""What can't run here is read: files have their form, and name only what there is."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulsestage.server.serving import LINGER_SECONDS
from pulsestage.settings import Settings
from tests.docs.documents import ROOT

DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
PORT = str(Settings.model_fields["port"].default)
CLIENTS = {"PULSESTAGE_DOMAIN"}
"""Of the files themselves, and no setting."""


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = {name.removesuffix("_FILE") for name in re.findall(r"PULSESTAGE_[A-Z_]+[A-Z]", path.read_text())}
    assert named - CLIENTS <= {f"PULSESTAGE_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_path_of_the_server_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"(?<![\w.])/(?:health|metrics|sse|events)[a-z/]*", path.read_text()))
    assert named <= {"/health/live", "/health/ready", "/metrics", "/sse", "/events"}


def test_compose_has_two_instances_that_differ_in_nothing() -> None:
    [compose] = documents("compose.yaml")
    services = compose["services"]
    assert services["app1"] == services["app2"]
    app = services["app1"]
    assert app["read_only"]
    assert app["cap_drop"] == ["ALL"]
    assert set(app["secrets"]) <= set(compose["secrets"])
    assert set(app["depends_on"]) <= set(services)
    assert all("healthcheck" in services[name] for name in app["depends_on"])
    upstreams = re.findall(rf"(\w+):{PORT}", (DEPLOY / "Caddyfile").read_text())
    assert upstreams == ["app1", "app2"]
    header = (DEPLOY / "compose.yaml").read_text()
    for name, service in (("database_url", "database/"), ("relay_url", "relay:")):
        assert app["environment"][f"PULSESTAGE_{name.upper()}_FILE"] == f"/run/secrets/{name}"
        assert re.search(rf"printf '\w+(\+\w+)?://\w*:%s@{service}.*> secrets/{name}", header), name
    assert all(services[name]["secrets"] for name in app["depends_on"]), "without a password"
    drain = float(app["environment"]["PULSESTAGE_DRAIN_SECONDS"])
    assert seconds(app["stop_grace_period"]) > longest_stop(drain)
    named = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert {name for name in named if not name.startswith(".")} == set(compose["volumes"])
    files = {secret["file"].removeprefix("secrets/") for secret in compose["secrets"].values()}
    described = set(re.findall(r"> secrets/(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert files == described


def test_kubernetes_replaces_one_by_one_and_lets_each_say_goodbye() -> None:
    by_kind = {each["kind"]: each for each in reversed(documents("kubernetes/pulsestage.yaml"))}
    deployment = by_kind["Deployment"]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    labels = deployment["template"]["metadata"]["labels"]
    for kind in ("Service", "PodDisruptionBudget"):
        selector = by_kind[kind]["spec"]["selector"]
        assert selector.get("matchLabels", selector) == labels
    pod = deployment["template"]["spec"]
    [container] = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": int(PORT)}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == "http"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    drain = float(by_kind["ConfigMap"]["data"]["PULSESTAGE_DRAIN_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] > longest_stop(drain)
    # Before anybody is refused, the probe has failed as often as it must.
    probe = container["readinessProbe"]
    assert drain > probe["periodSeconds"] * probe["failureThreshold"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    references = {name for source in container["envFrom"] for name in source}
    assert references == {"configMapRef", "secretRef"}
    # Or the service's own variable PULSESTAGE_PORT=tcp://… would be taken for the setting, and no pod would start.
    assert pod["enableServiceLinks"] is False


def test_kubernetes_lets_only_some_reach_the_pods() -> None:
    [policy] = [each["spec"] for each in documents("kubernetes/pulsestage.yaml") if each["kind"] == "NetworkPolicy"]
    assert policy["podSelector"]["matchLabels"] == {"app": "pulsestage"}
    assert policy["policyTypes"] == ["Ingress"]
    [rule] = policy["ingress"]
    assert rule["ports"] == [{"port": "http"}]
    assert all(each["namespaceSelector"]["matchLabels"] for each in rule["from"])


def test_kubernetes_shows_the_service_and_keeps_metrics_inside() -> None:
    all_documents = documents("kubernetes/pulsestage.yaml")
    services = {each["metadata"]["name"]: each["spec"] for each in all_documents if each["kind"] == "Service"}
    [ingress] = [each["spec"] for each in all_documents if each["kind"] == "Ingress"]
    [rule] = ingress["rules"]
    leads_to = {path["path"]: services[path["backend"]["service"]["name"]] for path in rule["http"]["paths"]}
    assert leads_to["/"]["selector"] == {"app": "pulsestage"}
    assert leads_to["/"]["ports"][0]["name"] == "http"
    assert "selector" not in leads_to["/metrics"]


def test_the_image_is_built_of_what_there_is() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    wanted = {
        word.rstrip("/")
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert all((ROOT / path).exists() for path in wanted), wanted
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all(any(path == each or path.startswith(f"{each}/") for each in allowed) for path in wanted)
    assert f"EXPOSE {PORT}" in lines
    assert any(line.startswith("USER ") and line != "USER root" for line in lines)
    assert 'CMD ["pulsestage", "serve"]' in lines
    stages = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert stages[1] == stages[2]  # the environment's Python is the one that runs it


def test_the_dashboard_is_one() -> None:
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CI"), reason="no systemd on this machine"
)
def test_systemd_reads_its_unit(tmp_path: Path) -> None:
    unit = tmp_path / "pulsestage.service"
    # Of this machine only the program differs: systemd looks whether it is there.
    unit.write_text((DEPLOY / "pulsestage.service").read_text().replace("/opt/pulsestage/bin/pulsestage", "/bin/true"))
    verified = subprocess.run(["systemd-analyze", "verify", unit], check=False, capture_output=True, text=True)
    ours = [line for line in verified.stderr.splitlines() if "pulsestage" in line]
    assert (verified.returncode, ours) == (0, []), verified.stderr


def test_proxies_drop_idle_connections_before_a_stopping_instance_does() -> None:
    idle = {
        "nginx.conf": r"keepalive_timeout (\d+)s;",
        "Caddyfile": r"keepalive (\d+)s",
        "apache.conf": r"connectiontimeout=2 retry=2 ttl=(\d+)",
    }
    for name, pattern in idle.items():
        found = re.findall(pattern, (DEPLOY / name).read_text())
        assert found, name
        assert all(int(each) < LINGER_SECONDS for each in found), name


def test_a_proxy_that_does_not_repeat_refused_requests_knows_of_a_stop_before_that() -> None:
    [compose] = documents("compose.yaml")
    [interval] = re.findall(r"health_interval (\d+)s", (DEPLOY / "Caddyfile").read_text())
    [timeout] = re.findall(r"health_timeout (\d+)s", (DEPLOY / "Caddyfile").read_text())
    drain = float(compose["services"]["app1"]["environment"]["PULSESTAGE_DRAIN_SECONDS"])
    assert int(interval) + int(timeout) < drain


def test_systemd_waits_longer_than_a_stop_takes() -> None:
    unit = (DEPLOY / "pulsestage.service").read_text()
    assert int(re.findall(r"TimeoutStopSec=(\d+)", unit)[0]) > longest_stop()


def test_a_reload_never_leaves_the_service_down() -> None:
    """To SIGHUP a process without workers ends, and systemd takes that for a clean end (systemd.service, Restart=)."""
    unit = (DEPLOY / "pulsestage.service").read_text().splitlines()
    assert "ExecReload=/bin/kill -HUP $MAINPID" in unit
    assert "Restart=always" in unit


def longest_stop(drain_seconds: float = 0) -> float:
    """Seconds that a server may take, its last bytes included."""
    return drain_seconds + float(Settings.model_fields["shutdown_seconds"].default) + 2


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))
