"""A key service for a guide: serve.py openbao|aws FOLDER.

Starts the server on 127.0.0.1 with TLS, under an authority of its own in FOLDER, writes one line of JSON with the environment that
its own tools would have (address, certificate, credentials), and ends with its standard input.
"""

import json
import os
import pathlib
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

from stage import free_port

FOLDER, PORT = pathlib.Path(sys.argv[2]).resolve(), free_port()
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def openbao():
    words = ["bao", "server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root", "-dev-tls"]
    words += [f"-dev-tls-cert-dir={FOLDER}", f"-dev-listen-address=127.0.0.1:{PORT}"]
    server = subprocess.Popen(words, cwd=FOLDER, **QUIET)
    while not list(FOLDER.glob("*ca.pem")):
        time.sleep(0.1)
    [ca] = FOLDER.glob("*ca.pem")
    url = f"https://127.0.0.1:{PORT}"
    return server, ca, f"{url}/v1/sys/health", {"BAO_ADDR": url, "BAO_CACERT": str(ca), "BAO_TOKEN": "root"}


def aws():
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=FOLDER, check=True, **QUIET)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=a test authority")
    openssl("req", *curve, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    (FOLDER / "names").write_text("subjectAltName=DNS:localhost\n")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2"]
    openssl("x509", "-req", "-in", "request.pem", *signed, "-out", "cert.pem")
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(PORT), "USE_SSL": "1", "HOME": str(FOLDER)}
    settings |= {"MINISTACK_SSL_CERT": str(FOLDER / "cert.pem"), "MINISTACK_SSL_KEY": str(FOLDER / "key.pem")}
    launcher = pathlib.Path(__file__).resolve().parent / "ministack_more.py"
    environment = {"PATH": os.environ["PATH"], **settings}
    server = subprocess.Popen([sys.executable, launcher], cwd=FOLDER, env=environment, **QUIET)
    url, ca = f"https://localhost:{PORT}", FOLDER / "ca.pem"
    given = {"AWS_ENDPOINT_URL": url, "AWS_CA_BUNDLE": str(ca), "AWS_REGION": "eu-west-1"}
    given |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    return server, ca, f"{url}/_ministack/health", given


def main():
    server, ca, health, environment = {"openbao": openbao, "aws": aws}[sys.argv[1]]()
    try:
        context = ssl.create_default_context(cafile=ca)
        for _ in range(600):
            try:
                urllib.request.urlopen(health, timeout=5, context=context)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
        else:
            sys.exit(f"{sys.argv[1]} does not start")
        if sys.argv[1] == "openbao":
            url = f"{environment['BAO_ADDR']}/v1/sys/mounts/transit"
            mount = urllib.request.Request(url, data=b'{"type":"transit"}', method="POST")
            mount.add_header("X-Vault-Token", "root")
            urllib.request.urlopen(mount, timeout=30, context=context)
        print(json.dumps(environment), flush=True)
        sys.stdin.read()
    finally:
        server.kill()
        server.wait()


main()
