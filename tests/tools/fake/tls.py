"""Certificates and a small HTTPS server for the stand-ins of cloud services, on 127.0.0.1 only.

[`Authority`] makes a certificate authority in a folder, and certificates of servers and clients of it. [`serve`]
runs a handler in a thread that ends with the process. A handler is a function (method, path, query, headers,
body) that gives (status, headers, body); `None` closes the connection without a word, `"silence"` keeps it open
and never answers, `"dribble"` sends a byte of an answer now and then.
"""

import datetime
import ipaddress
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


class Authority:
    def __init__(self, folder, name="ca"):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test authority {name}")])
        self.file = folder / f"{name}.pem"
        made = self._sign(self.name, self.key.public_key(), [(x509.BasicConstraints(True, 0), True)])
        self.file.write_bytes(made.public_bytes(PEM))

    def _sign(self, subject, public, extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=400))
        # Tests give times of their own to the program, but TLS looks at the machine's clock.
        builder = builder.not_valid_after(now + datetime.timedelta(days=4000))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name, client=False):
        """A certificate and its key in PEM files, for this machine or for a client of that name."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        extensions = [(x509.ExtendedKeyUsage([usage]), False), (x509.BasicConstraints(False, None), True)]
        if not client:
            names = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
            extensions.append((x509.SubjectAlternativeName([*names, x509.DNSName("localhost")]), False))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate, private = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write_bytes(self._sign(subject, key.public_key(), extensions).public_bytes(PEM))
        private.write_bytes(key.private_bytes(PEM, PKCS8, serialization.NoEncryption()))
        return certificate, private


def dribble(send, content):
    """Sends a byte at a time, each well before whoever waits for it would give up."""
    for byte in content:
        try:
            send(bytes([byte]))
        except OSError:
            return
        time.sleep(0.1)


def serve(handler, files):
    """Serves in a thread; the server's URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            reply = handler(self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, body)
            if reply == "silence":
                threading.Event().wait(600)
            if reply is None or reply == "silence":
                self.close_connection = True
                return
            if reply == "dribble":
                self.send_response(200)
                self.send_header("Content-Length", "200")
                self.end_headers()
                dribble(self.wfile.write, b" " * 200)
                return
            status, headers, content = reply
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            """A client that refuses the certificate, or has gone, is no trouble of this server's."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://127.0.0.1:{server.server_address[1]}"
