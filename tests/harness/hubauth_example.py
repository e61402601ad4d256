"""A program that knows people by their tokens, with `jupyterhub.services.auth.HubAuth`; it serves nothing.

It runs inside the container, with JUPYTERHUB_API_URL and its own JUPYTERHUB_API_TOKEN: hubauth_example.py TOKEN...
One JSON list on standard output: who each token is of, null for nobody.
"""
import json
import sys

from jupyterhub.services.auth import HubAuth

auth = HubAuth()
json.dump([auth.user_for_token(token, use_cache=False) for token in sys.argv[1:]], sys.stdout)
