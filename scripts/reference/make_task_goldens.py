"""Scores the records of test/fixtures/tasks with lm-evaluation-harness, for the tests of the language tasks.

    pip install "lm-eval[hf]==0.4.13" && python scripts/reference/make_task_goldens.py

Writes, in test/fixtures/tasks:
  golden.json         log-probabilities and metrics of the small model that ships with the package, in float32 on the CPU, and how
                      texts become tokens with the tokenizer below
  bpe/                a tokenizer whose merges cross spaces, and which begins texts with a token of its own: what the shipped model's
                      tokenizer, one token a byte, cannot show
  parquet/*.parquet   records of two tasks in the data sets' own format
"""

import importlib.metadata
import json
import os
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

import lm_eval
import pyarrow.json
import pyarrow.parquet
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

root = Path(__file__).resolve().parents[2]
fixtures = root / "test" / "fixtures" / "tasks"
model = root / "models" / "tiny-mamba2"
splits = {
    "lambada_openai": "test",
    "hellaswag": "validation",
    "piqa": "validation",
    "arc_easy": "test",
    "arc_challenge": "test",
    "winogrande": "validation",
}


def run(lm: HFLM) -> dict:
    """The published tasks, on local files."""
    published = {path.stem: path for path in Path(lm_eval.__file__).parent.glob("tasks/*/*.yaml")}
    published["winogrande"] = published["lambada_openai"].parents[1] / "winogrande" / "default.yaml"
    with tempfile.TemporaryDirectory() as folder:
        for name, split in splits.items():
            config = {
                "include": str(published[name]),
                "task": name,
                "dataset_path": "json",
                "dataset_name": None,
                "training_split": None,
                "validation_split": None,
                f"{split}_split": split,
                "dataset_kwargs": {"data_files": {split: str(fixtures / f"{name}.jsonl")}},
            }
            (Path(folder) / f"{name}.yaml").write_text(json.dumps(config))  # JSON is YAML
        manager = TaskManager(include_path=folder, include_defaults=False)
        return lm_eval.simple_evaluate(
            model=lm,
            tasks=list(splits),
            task_manager=manager,
            num_fewshot=0,
            log_samples=True,
            bootstrap_iters=2,  # of perplexities, whose errors are not compared; without any there are none of means either
        )


def scores() -> dict:
    found = run(HFLM(pretrained=str(model), dtype="float32", device="cpu", batch_size=1))
    golden = {}
    for name in splits:
        metrics = {key.removesuffix(",none"): value for key, value in found["results"][name].items() if "," in key}
        samples = sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
        golden[name] = {
            "version": str(found["versions"][name]),
            "metrics": {key: value for key, value in metrics.items() if key != "perplexity_stderr"},
            "samples": [
                {
                    "answers": [list(answer) for answer in sample["filtered_resps"]],
                    **{key: sample[key] for key in ("perplexity", "acc", "acc_norm") if key in sample},
                }
                for sample in samples
            ],
        }
    return golden


def make_tokenizer(folder: Path) -> None:
    """Trains on the records themselves, without cutting them into words first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<bos>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [path.read_text("utf-8").replace("\\n", "\n") for path in sorted(fixtures.glob("*.jsonl"))]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 0)])
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = {"bos_token": "<bos>", "eos_token": "<eos>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")


def tokens(folder: Path) -> list:
    """Texts and tokens of all requests of all tasks."""
    lm = HFLM(pretrained=str(model), tokenizer=str(folder), dtype="float32", device="cpu", batch_size=1)
    asked = []

    def note(requests, **_):
        asked.extend(requests)
        return [(0.0, False)] * len(requests)

    lm._loglikelihood_tokens = note
    run(lm)
    return [
        {"texts": list(texts), "context": list(context), "continuation": list(continuation)}
        for texts, context, continuation in asked
    ]


def make_parquet() -> None:
    (fixtures / "parquet").mkdir(exist_ok=True)
    for name, compression in (("arc_easy", "snappy"), ("hellaswag", "zstd")):
        table = pyarrow.json.read_json(fixtures / f"{name}.jsonl")
        pyarrow.parquet.write_table(table, fixtures / "parquet" / f"{name}.parquet", compression=compression)


make_tokenizer(fixtures / "bpe")
make_parquet()
versions = {name: importlib.metadata.version(name) for name in ("lm_eval", "transformers", "torch")}
golden = {"versions": versions, "tasks": scores(), "tokens": tokens(fixtures / "bpe")}
with open(fixtures / "golden.json", "w", encoding="utf-8") as file:
    json.dump(golden, file, ensure_ascii=False, separators=(",", ":"))
    file.write("\n")
