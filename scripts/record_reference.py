#!/usr/bin/env python3
"""Records what transformers computes for a model, in float32: record_reference.py MODEL OUTPUT.

Needs torch, transformers and safetensors. graft verify compares any checkpoint with the file; with the
hidden states in it, it names the first layer that differs.
"""
import sys

if len(sys.argv) != 3:
    sys.exit(__doc__)
try:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM
except ImportError as error:
    sys.exit(f"{error}: needs torch, transformers and safetensors; without them: graft verify COPY MODEL")
path, output = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, trust_remote_code=True)
last = []
model.get_decoder().norm.register_forward_pre_hook(lambda _, inputs: last.append(inputs[0]))
generator = torch.Generator().manual_seed(0)
ids = torch.randint(model.config.get_text_config().vocab_size, (2, 64), generator=generator)
with torch.no_grad():
    out = model.eval()(ids, use_cache=False, output_hidden_states=True)

# hidden.0 is the output of the embedding, hidden.i that of layer i - 1. What transformers gives last is
# behind the final norm; the output of the last layer is what goes into it.
tensors = {"input_ids": ids, "logits": out.logits.float()}
for index, hidden in enumerate([*out.hidden_states[:-1], *last]):
    tensors[f"hidden.{index}"] = hidden.float()
save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, output)
print(f"{output}: logits of {ids.numel()} positions")
