"""Renders the chart with Helm's own engine and checks each object; runs where both are installed.

Arguments: the chart, values as JSON, the versions of Kubernetes. Prints the objects as JSON, or a
refusal of the chart on standard error.
"""

import json
import sys

import helm_python
import kubernetes_validate
import yaml

chart, values, *versions = sys.argv[1:]
with helm_python.Chart.load(chart) as loaded:
    try:
        rendered = loaded.render(json.loads(values), name="vault", namespace="prod")
    except Exception as error:
        sys.exit(str(error))
objects = [
    found
    for name, text in rendered.items()
    if name.endswith(".yaml")
    for found in yaml.safe_load_all(text)
    if found
]
for found in objects:
    for version in versions:
        if found["kind"] != "ServiceMonitor":  # not Kubernetes' own
            kubernetes_validate.validate(found, version, strict=True)
print(json.dumps(objects))
