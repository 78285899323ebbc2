#!/usr/bin/env python3
"""Trains the new layers of a spliced checkpoint for ten steps: train_spliced.py MODEL OUTPUT.

A pattern to copy: put your text where random tokens stand. Needs torch and transformers.
"""
import sys

import torch
from transformers import AutoModelForCausalLM

if len(sys.argv) != 3:
    sys.exit(__doc__)
path, output = sys.argv[1:]
# In float32, because steps of AdamW are lost in BF16.
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, trust_remote_code=True)
for name, parameter in model.named_parameters():
    parameter.requires_grad = ".m2rnn." in name
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)

# Token ids of your text belong here.
tokens = torch.randint(model.config.get_text_config().vocab_size, (4, 128))
for step in range(10):
    loss = model(input_ids=tokens, labels=tokens).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    print(step, round(loss.item(), 3))

model.save_pretrained(output)
