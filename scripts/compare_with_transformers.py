#!/usr/bin/env python3
"""Compares transformers with logits of Graft: compare_with_transformers.py MODEL FILE, of graft logits.

Needs torch, transformers and safetensors.
"""
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

if len(sys.argv) != 3:
    sys.exit(__doc__)
path, file = sys.argv[1:]
recorded = load_file(file)
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, trust_remote_code=True)
with torch.no_grad():
    logits = model.eval()(recorded["input_ids"], use_cache=False).logits.double()

graft = recorded["logits"].double()
kl = (logits.softmax(-1) * (logits.log_softmax(-1) - graft.log_softmax(-1))).sum(-1)
agree = (logits.argmax(-1) == graft.argmax(-1)).double().mean()
print(f"max abs {(logits - graft).abs().max():.2e}, max KL {kl.max():.2e} nats, top-1 {100 * agree:.2f} %")
