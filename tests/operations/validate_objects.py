"""Checks Kubernetes objects against the schemas of its versions; runs where `kubernetes-validate` is installed.

Arguments: the versions. Objects come as YAML documents on standard input and are printed as JSON.
"""

import json
import sys

import kubernetes_validate
import yaml

objects = [found for found in yaml.safe_load_all(sys.stdin) if found]
for found in objects:
    for version in sys.argv[1:]:
        if found["kind"] != "ServiceMonitor":  # not Kubernetes' own
            kubernetes_validate.validate(found, version, strict=True)
print(json.dumps(objects))
