"""Writes and reads a model folder in the Hugging Face `mamba2` or `mamba` format, and its byte-level tokenizer."""

import json

from corpus import END_OF_TEXT
from language_model import LanguageModel
from mamba import MambaConfig
from mamba2 import Mamba2Config
from weights import read_weights, write_json, write_weights

END_OF_TEXT_TOKEN = "<|endoftext|>"
ADDED_TOKEN = {
    "single_word": False,
    "lstrip": False,
    "rstrip": False,
    "normalized": False,
    "special": True,
}


def mamba2_config(config):
    """What only a `mamba2` config.json has."""
    return {
        "architectures": ["Mamba2ForCausalLM"],
        "chunk_size": config.chunk_size,
        "head_dim": config.head_dim,
        "model_type": "mamba2",
        "n_groups": 1,
        "num_heads": config.n_heads,
        "time_step_limit": [0.0, {"__float__": "Infinity"}],
        "time_step_rank": -(-config.d_model // 16),
    }


def mamba_config(config):
    """What only a `mamba` config.json has."""
    return {
        "architectures": ["MambaForCausalLM"],
        "intermediate_size": config.d_inner,
        "model_type": "mamba",
        "time_step_init_scheme": "random",
        "time_step_rank": config.dt_rank,
        "time_step_scale": 1.0,
    }


def model_config(config):
    common = {
        "conv_kernel": config.d_conv,
        "dtype": "bfloat16",
        "expand": config.expand,
        "hidden_act": "silu",
        "hidden_size": config.d_model,
        "initializer_range": 0.1,
        "layer_norm_epsilon": config.norm_eps,
        "num_hidden_layers": config.n_layer,
        "rescale_prenorm_residual": False,
        "residual_in_fp32": True,
        "state_size": config.d_state,
        "tie_word_embeddings": True,
        "time_step_floor": 0.0001,
        "time_step_max": 0.1,
        "time_step_min": 0.001,
        "use_bias": False,
        "use_cache": True,
        "use_conv_bias": True,
        "vocab_size": config.vocab_size,
    }
    own = mamba_config(config) if isinstance(config, MambaConfig) else mamba2_config(config)
    # A vocabulary of bytes has END_OF_TEXT after them; a smaller one has no tokens of its own kind.
    special = ("bos_token_id", "eos_token_id", "pad_token_id") if config.vocab_size > END_OF_TEXT else ()
    return dict(sorted({**common, **own, **dict.fromkeys(special, END_OF_TEXT)}.items()))


def byte_alphabet():
    """The 256 characters that stand for the bytes 0..255 in byte-level BPE files.

    Bytes that print as one visible Latin-1 character stand for themselves; the others take the
    characters from U+0100 on, in order.
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spare = iter(range(0x100, 0x200))
    return [chr(byte if byte in visible else next(spare)) for byte in range(256)]


def tokenizer():
    """Byte-level BPE without merges: token id = byte value, and END_OF_TEXT."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    vocab = {character: byte for byte, character in enumerate(byte_alphabet())}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": END_OF_TEXT, "content": END_OF_TEXT_TOKEN, **ADDED_TOKEN}],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {**vocab, END_OF_TEXT_TOKEN: END_OF_TEXT},
            "merges": [],
        },
    }


def tokenizer_config():
    return {
        "add_prefix_space": False,
        "added_tokens_decoder": {str(END_OF_TEXT): {"content": END_OF_TEXT_TOKEN, **ADDED_TOKEN}},
        "bos_token": END_OF_TEXT_TOKEN,
        "clean_up_tokenization_spaces": False,
        "eos_token": END_OF_TEXT_TOKEN,
        "model_max_length": 1000000000000000019884624838656,
        "pad_token": END_OF_TEXT_TOKEN,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }


def generation_config():
    return {
        "bos_token_id": END_OF_TEXT,
        "do_sample": True,
        "eos_token_id": END_OF_TEXT,
        "pad_token_id": END_OF_TEXT,
        "temperature": 0.7,
        "top_p": 0.9,
    }


def save(model, folder):
    """Writes config.json and the weights, which are rounded to bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(model, folder)
    write_json(folder / "config.json", model_config(model.config))


def save_tokenizer(folder):
    """Writes what a model of bytes has besides: the tokenizer and how to sample from it."""
    write_json(folder / "tokenizer.json", tokenizer())
    write_json(folder / "tokenizer_config.json", tokenizer_config())
    write_json(folder / "generation_config.json", generation_config())


def read_config(stored):
    common = {
        "vocab_size": stored["vocab_size"],
        "d_model": stored["hidden_size"],
        "n_layer": stored["num_hidden_layers"],
        "d_state": stored["state_size"],
        "expand": stored["expand"],
        "d_conv": stored["conv_kernel"],
        "norm_eps": stored["layer_norm_epsilon"],
    }
    if stored["model_type"] == "mamba":
        return MambaConfig(**common)
    return Mamba2Config(**common, head_dim=stored["head_dim"], chunk_size=stored["chunk_size"])


def load(folder):
    """The LanguageModel in `folder`, its stored weights widened to float32."""
    model = LanguageModel(read_config(json.loads((folder / "config.json").read_text())))
    model.load_state_dict(read_weights(folder))
    return model.eval()
