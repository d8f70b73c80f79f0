#!/usr/bin/python3
"""embed_openapi.py OPENAPI.YAML OPENAPI.CPP: write docs/openapi.yaml as JSON into a source file, for control/openapi.hpp."""
import json
import sys

import yaml

source, made = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = json.dumps(yaml.safe_load(file), ensure_ascii=False, separators=(",", ":"))
assert ')json"' not in text
with open(made, "w", encoding="utf-8") as file:
    file.write(f'''#include "control/openapi.hpp"

namespace postmultid::control {{

const std::string_view kOpenApi = R"json({text}
)json";

}}  // namespace postmultid::control
''')
