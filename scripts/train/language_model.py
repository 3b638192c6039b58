"""What the language models of both families share: residual blocks between a tied embedding.

Module and parameter names are those of the Hugging Face `mamba` and `mamba2` formats, so
`state_dict()` of `LanguageModel` is the published layout. A config names its mixer.
"""

import math

import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm = nn.RMSNorm(config.d_model, eps=config.norm_eps)
        self.mixer = config.mixer(config)

    def forward(self, residual):
        return residual + self.mixer(self.norm(residual))


class Backbone(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embeddings = nn.Embedding(config.vocab_size, config.d_model)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm_f = nn.RMSNorm(config.d_model, eps=config.norm_eps)

    def forward(self, ids):
        x = self.embeddings(ids)
        for layer in self.layers:
            x = layer(x)
        return self.norm_f(x)


class LanguageModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        nn.init.normal_(self.backbone.embeddings.weight, std=0.02)
        for layer in self.backbone.layers:  # keeps the residual stream's scale independent of depth
            layer.mixer.out_proj.weight.data /= math.sqrt(config.n_layer)

    def forward(self, ids):
        """ids (b, l), l a multiple of config.chunk_size -> logits (b, l, vocab_size), float32."""
        return F.linear(self.backbone(ids), self.backbone.embeddings.weight).float()
