"""A receiver of Backstop's callbacks. It uses the standard library only, of Python 3.8 or later. Copy what you need.

CALLBACK_SECRETS=whsec_... PORT=3000 python3 examples/callbacks/python/receiver.py
"""

import base64
import hashlib
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60  # seconds; an older message may be a recorded one
MAX_BODY = 1 << 20  # bytes


class Forged(Exception):
    """The message is not from Backstop, or is too old."""


def verify(headers, body, secrets, now):
    """Checks that a message was signed with one of the secrets, within the last 5 minutes.

    The body must be the bytes as they came: JSON that was parsed and written again may differ.
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    try:
        age = now - int(timestamp)
    except ValueError:
        raise Forged("a header is missing") from None
    if abs(age) > TOLERANCE:
        raise Forged("the message is too old, or from the future")
    for secret in secrets:
        key = base64.b64decode(secret[len("whsec_"):], validate=True)
        if not key:
            raise ValueError("a secret is not valid")
        digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        want = b"v1," + base64.b64encode(digest)
        for signature in headers.get("webhook-signature", "").split(" "):
            if hmac.compare_digest(signature.encode(), want):  # takes the same time for each wrong signature
                return
    raise Forged("no signature fits")


class Receiver(BaseHTTPRequestHandler):
    secrets = []
    # A real receiver keeps these in its database.
    lock = threading.Lock()
    handled = set()  # by webhook-id: a message may come more than once
    revisions = {}  # by send

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if not 0 < length <= MAX_BODY:
            return self.answer(400)
        body = self.rfile.read(length)
        try:
            verify(self.headers, body, self.secrets, time.time())
        except Forged as fault:
            return self.answer(401, str(fault))
        self.handle_callback(self.headers["webhook-id"], json.loads(body))
        self.answer(204)  # only now: after another answer the message comes again

    def handle_callback(self, message_id, callback):
        """Does the work. It must be quick: Backstop waits for 15 seconds."""
        data, send = callback["data"], callback["data"]["send"]
        with self.lock:
            if message_id in self.handled:
                return
            self.handled.add(message_id)
            if data["revision"] < self.revisions.get(send["id"], 0):
                return  # a newer state of the send is known
            self.revisions[send["id"]] = data["revision"]
            print(callback["type"], send["id"], send["outcome"], flush=True)

    def answer(self, status, text=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Receiver.secrets = os.environ["CALLBACK_SECRETS"].split(",")  # two while you change them
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver)
    print("listening at http://%s:%d/" % server.server_address[:2], flush=True)
    server.serve_forever()
