# SPDX-License-Identifier: Apache-2.0
"""Prints how many parameters the class of transformers has for a config, without memory for them."""

import json
import sys

import torch
import transformers


def main():
    path = sys.argv[1]
    config = transformers.AutoConfig.from_pretrained(path)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    name = json.load(open(path + "/config.json"))["architectures"][0]
    kind = getattr(transformers, name, None)
    with torch.device("meta"):
        model = kind(config) if kind else transformers.AutoModelForCausalLM.from_config(config)
    model.tie_weights()
    print(sum(parameter.numel() for parameter in model.parameters()))


if __name__ == "__main__":
    main()
