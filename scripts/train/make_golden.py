"""Checks a model of bytes against Hugging Face transformers and writes the tests' golden file.

    python scripts/train/make_golden.py
    python scripts/train/make_golden.py --model models/tiny-mamba

Loads the folder as Mamba2ForCausalLM or MambaForCausalLM in float32, asserts that its logits are those
of mamba2.py or mamba.py, prints two continuations and writes test/fixtures/NAME-golden.json. Needs
transformers too.
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch
import torch.nn.functional as F
import transformers

import checkpoint

ROOT = Path(__file__).resolve().parents[2]
LOGIT_TOLERANCE = 1e-3
# Greedy tokens are only a fair test where float32 rounding, about 1e-5 here, cannot swap the best two.
SMALLEST_MARGIN = 0.02
GREEDY_TOKENS = 32
PROMPTS = [
    "The captain looked at the sea and",
    "She was a young woman of",
    "My fellow citizens, the state of the Union is",
    "The old man looked at him for a moment, and then",
    "It is the duty of the Government to",
    "There was no doubt that the",
]
CONTEXT, CONTINUATION = "The President of the United", " States of America."


def own_logits(model, ids):
    """Our own logits for ids (1, l); padding on the right does not reach earlier tokens."""
    length = ids.shape[1]
    padded = F.pad(ids, (0, -length % model.config.chunk_size))
    return model(padded)[:, :length]


def load(folder, sentences):
    """transformers' model in `folder` and its logits' largest difference from ours over `sentences`, ids (1, l)."""
    reference = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    own = checkpoint.load(folder)
    difference = max((reference(ids).logits - own_logits(own, ids)).abs().max().item() for ids in sentences)
    print(f"{type(reference).__name__}: logits differ from ours by at most {difference:.1e}")
    assert difference < LOGIT_TOLERANCE
    return reference


def provenance(reference, folder):
    return {
        "reference": f"transformers {transformers.__version__} {type(reference).__name__}, torch {torch.__version__}, "
        "float32 arithmetic on the bfloat16 weights",
        "weightsSha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
    }


def log_probabilities(reference, context, continuation):
    """Of each id of `continuation` (1, m) after `context` (1, l) and those before it: a list of m."""
    logits = reference(torch.cat([context, continuation], dim=1)).logits[0, context.shape[1] - 1 : -1]
    chosen = logits.log_softmax(-1).gather(1, continuation.T)[:, 0]
    return [round(value, 6) for value in chosen.tolist()]


def greedy(reference, prompt_ids):
    """(tokens, smallest top-1 to top-2 logit gap along them)."""
    output = reference.generate(
        prompt_ids,
        max_new_tokens=GREEDY_TOKENS,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )
    best = torch.cat(output.logits).topk(2, dim=-1).values
    return output.sequences[0, prompt_ids.shape[1] :].tolist(), (best[:, 0] - best[:, 1]).min().item()


def first_clear_prompt(reference, encode):
    for prompt in PROMPTS:
        tokens, margin = greedy(reference, encode(prompt))
        if margin > SMALLEST_MARGIN and len(tokens) == GREEDY_TOKENS:
            return prompt, tokens, margin
    raise SystemExit(f"No prompt of the list keeps a margin of {SMALLEST_MARGIN}: add others")


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "models/tiny-mamba2")
    parser.add_argument("--out", type=Path, help="otherwise test/fixtures/NAME-golden.json of the model's NAME")
    options = parser.parse_args()
    out = options.out or ROOT / f"test/fixtures/{options.model.name}-golden.json"

    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)

    def encode(text):
        ids = tokenizer(text, return_tensors="pt").input_ids
        assert ids[0].tolist() == list(text.encode())
        return ids

    reference = load(options.model, [encode(" ".join(PROMPTS))])
    prompt, tokens, margin = first_clear_prompt(reference, encode)
    print(f"greedy (smallest margin {margin:.3f}): {prompt}|{tokenizer.decode(tokens)}")
    sampled = reference.generate(encode(PROMPTS[0]), max_new_tokens=200)  # as generation_config.json says
    print(f"sampled: {tokenizer.decode(sampled[0])}")

    context, continuation = encode(CONTEXT), encode(CONTINUATION)
    golden = {
        **provenance(reference, options.model),
        "greedy": {
            "prompt": prompt,
            "promptIds": list(prompt.encode()),
            "tokens": tokens,
            "text": tokenizer.decode(tokens),
            "smallestMargin": round(margin, 4),
        },
        "score": {
            "context": CONTEXT,
            "contextIds": context[0].tolist(),
            "continuation": CONTINUATION,
            "continuationIds": continuation[0].tolist(),
            "logProbabilities": log_probabilities(reference, context, continuation),
        },
    }
    out.write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
