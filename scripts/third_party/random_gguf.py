"""Write a tiny Llama of random weights as GGUF, and serve it by llama.cpp's own server.

Runs in the environment that `make third-party` makes: `python random_gguf.py FILE PORT`.
"""

import sys
import time
from pathlib import Path

import gguf
import numpy as np
import xllamacpp

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 32, 2, 4, 64, 16_384
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content or '' }}\n{% endfor %}"
    "{% if tools %}<|tools|>{{ tools | tojson }}\n{% endif %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def letters() -> list[str]:
    """The characters by which a byte-level vocabulary writes the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(n) for n in plain] + [chr(256 + n) for n in range(256 - len(plain))]


def write(path: Path) -> None:
    """Write the file."""
    rng = np.random.default_rng(11)
    # It is no vocabulary to that server where nothing is ever merged.
    words = ["<s>", "</s>", *letters(), "th"]
    file = gguf.GGUFWriter(str(path), "llama")
    file.add_name("random")
    file.add_context_length(CONTEXT)
    file.add_embedding_length(WIDTH)
    file.add_block_count(LAYERS)
    file.add_feed_forward_length(INNER)
    file.add_head_count(HEADS)
    file.add_head_count_kv(HEADS)
    file.add_rope_dimension_count(WIDTH // HEADS)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_vocab_size(len(words))
    file.add_tokenizer_model("gpt2")
    file.add_tokenizer_pre("default")
    file.add_token_list(words)
    file.add_token_types([gguf.TokenType.CONTROL] * 2 + [gguf.TokenType.NORMAL] * 257)
    file.add_token_merges(["t h"])
    file.add_bos_token_id(0)
    file.add_eos_token_id(1)
    file.add_chat_template(TEMPLATE)

    def drawn(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * 0.05).astype(np.float32)

    file.add_tensor("token_embd.weight", drawn(len(words), WIDTH))
    file.add_tensor("output.weight", drawn(len(words), WIDTH))
    file.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for layer in range(LAYERS):
        at = f"blk.{layer}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            file.add_tensor(f"{at}.{name}.weight", drawn(WIDTH, WIDTH))
        for name in ("ffn_gate", "ffn_up"):
            file.add_tensor(f"{at}.{name}.weight", drawn(INNER, WIDTH))
        file.add_tensor(f"{at}.ffn_down.weight", drawn(WIDTH, INNER))
        for name in ("attn_norm", "ffn_norm"):
            file.add_tensor(f"{at}.{name}.weight", np.ones(WIDTH, np.float32))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def main(path: Path, port: int) -> None:
    """Write the model and serve it until this process is ended."""
    write(path)
    asked = xllamacpp.CommonParams()
    asked.model.path = str(path)
    asked.hostnames, asked.port = ["127.0.0.1"], port
    asked.n_ctx, asked.n_parallel, asked.n_gpu_layers = 2 * CONTEXT, 2, 0
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = 1
    asked.use_jinja, asked.model_alias = True, {"random-gguf"}
    # All tokens may be drawn, the one that ends an answer too: it has some 250 of them.
    asked.sampling.top_k, asked.sampling.top_p, asked.sampling.min_p = 0, 1.0, 0.0
    server = xllamacpp.Server(asked)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
