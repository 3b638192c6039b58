"""Language models in transformers on PyTorch's CPU, as its own code runs them where no GPU is: the peer of language-model.mjs.

A child process of competitor.mjs. Needs torch and transformers 5.
"""

import os
import resource
import time

os.environ["HF_HUB_OFFLINE"] = "1"

from serve import serve


class Peer:
    def load(self, argument):
        import torch
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        torch.set_grad_enabled(False)
        torch.set_num_threads(argument["threads"])
        self.torch = torch
        dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[argument["dtype"]]
        start = time.perf_counter()
        self.model = transformers.AutoModelForCausalLM.from_pretrained(argument["path"], dtype=dtype).eval()
        return {
            "version": transformers.__version__,
            "engine": f"PyTorch {torch.__version__}",
            "seconds": time.perf_counter() - start,
            "residentBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }

    def read(self, tokens, cache=None):
        """Reads tokens [sequences][length]. Returns the last logits, [sequences, vocabulary], and the cache after them."""
        out = self.model(self.torch.tensor(tokens), cache_params=cache, use_cache=True, logits_to_keep=1)
        return out.logits[:, -1].float(), out.cache_params

    def check(self, argument):
        """The greatest logits after the prompt, and after each of the tokens that follow it."""
        rows, cache = [], None
        for tokens in [argument["prompt"], *([token] for token in argument["following"])]:
            logits, cache = self.read([tokens], cache)
            values, ids = logits[0].topk(argument["count"])
            rows.append([list(pair) for pair in zip(ids.tolist(), values.tolist())])
        return rows

    def prefill(self, argument):
        start = time.perf_counter()
        logits, _ = self.read([argument["prompt"]])
        logits.argmax(-1).tolist()
        return time.perf_counter() - start

    def decode(self, argument):
        return self.decodeBatch({"prompts": [argument["prompt"]], "count": argument["count"]})

    def decodeBatch(self, argument):
        logits, cache = self.read(argument["prompts"])
        tokens = logits.argmax(-1).tolist()
        start = time.perf_counter()
        for _ in range(argument["count"]):
            logits, cache = self.read([[token] for token in tokens], cache)
            tokens = logits.argmax(-1).tolist()
        return time.perf_counter() - start

    def firstToken(self, argument):
        start = time.perf_counter()
        self.load(argument)
        self.prefill(argument)
        return time.perf_counter() - start


if __name__ == "__main__":
    serve(Peer())
