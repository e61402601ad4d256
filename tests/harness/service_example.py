"""A tornado service as people write them for JupyterHub, with `jupyterhub.services.auth` and nothing of the tests.

It runs inside the container, by the Python of an unmodified JupyterHub. Below its own address:
  (nothing)  who logged in, by HubOAuth: a browser is sent to the hub for that
  by-token   who asks, by HubAuth: programs show a token, a browser is turned away
  itself     what the hub says about the service's own token
"""
import json
import os
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubAuth, HubAuthenticated, HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler, authenticated

PREFIX = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
FORGET_SECONDS = 1


class WhoAmI(HubOAuthenticated, RequestHandler):
    """For people with a browser."""

    @authenticated
    def get(self):
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.write('<p id="who">{}</p>'.format(self.current_user["name"]))


class ByToken(HubAuthenticated, RequestHandler):
    """For programs."""

    def initialize(self, hub_auth):
        self.hub_auth = hub_auth

    @authenticated
    def get(self):
        user = self.current_user
        self.write({"name": user["name"], "kind": user["kind"], "scopes": user["scopes"]})


class Itself(RequestHandler):
    """What the service is to the hub."""

    async def get(self):
        token = os.environ["JUPYTERHUB_API_TOKEN"]
        url = os.environ["JUPYTERHUB_API_URL"] + "/user"
        answer = await AsyncHTTPClient().fetch(url, headers={"Authorization": f"token {token}"})
        self.write(json.loads(answer.body))


def main():
    HubOAuth.instance(cache_max_age=FORGET_SECONDS)
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    application = Application(
        [
            (PREFIX, WhoAmI),
            (PREFIX + "oauth_callback", HubOAuthCallbackHandler),
            (PREFIX + "by-token", ByToken, {"hub_auth": HubAuth(cache_max_age=FORGET_SECONDS)}),
            (PREFIX + "itself", Itself),
        ],
        cookie_secret=os.urandom(32),
    )
    application.listen(address.port, address.hostname)
    IOLoop.current().start()


main()
