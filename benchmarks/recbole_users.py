"""RecBole 1.2.1 on ML-100K for each user: what benchmarks/recommendation.py pairs its own figures with.

Runs in an environment of its own, with ``recbole`` and numpy below 2; RecBole's own settings, one thread. FOLDER holds
``ml-100k/ml-100k.inter``. Writes OUT/NAME.json: CPU seconds from the file to the test, and each user's ndcg@10 and recall@10.

    python benchmarks/recbole_users.py FOLDER OUT BPR|NeuMF|LightGCN [--patience 10]
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse  # type: ignore[import-untyped]
import torch

NAMES = {"BPR": "collaborative-filtering", "NeuMF": "neumf", "LightGCN": "lightgcn"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("net", choices=NAMES)
    parser.add_argument("--patience", type=int, default=10)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.load = functools.partial(torch.load, weights_only=False)  # as RecBole, which is older, expects
    scipy.sparse.dok_matrix._update = lambda self, values: self._dict.update(values)  # gone from newer scipy

    from recbole.config import Config  # type: ignore[import-not-found]
    from recbole.data import create_dataset, data_preparation  # type: ignore[import-not-found]
    from recbole.data.interaction import Interaction  # type: ignore[import-not-found]
    from recbole.utils import get_model, get_trainer, init_seed  # type: ignore[import-not-found]

    own = {
        "data_path": str(asked.folder), "use_gpu": False, "show_progress": False, "stopping_step": asked.patience,
        "checkpoint_dir": tempfile.mkdtemp(),
    }  # fmt: skip
    sys.argv = sys.argv[:1]  # RecBole reads the command line by itself, and knows none of these
    config = Config(model=asked.net, dataset="ml-100k", config_dict=own)
    init_seed(2020, True)
    began = time.process_time()
    data = create_dataset(config)
    train, val, test = data_preparation(config, data)
    init_seed(2020, True)
    net = get_model(asked.net)(config, train._dataset)
    trainer = get_trainer(config["MODEL_TYPE"], asked.net)(config, net)
    trainer.fit(train, val, saved=True, show_progress=False)
    told = trainer.evaluate(test, load_best_model=True, show_progress=False)
    seconds = time.process_time() - began
    users, items = torch.arange(data.user_num), torch.arange(data.item_num)
    net.eval()
    with torch.no_grad():
        each = [
            net.predict(Interaction({data.uid_field: user.expand(len(items)), data.iid_field: items})) for user in users
        ]
    scores = torch.stack(each).numpy()
    scores[:, 0] = -np.inf  # RecBole's padding
    pairs = [(part.inter_feat[data.uid_field].numpy(), part.inter_feat[data.iid_field].numpy())
             for part in (train._dataset, val._dataset, test._dataset)]  # fmt: skip
    for user, item in pairs[:2]:
        scores[user, item] = -np.inf
    wanted = np.zeros(scores.shape, bool)
    wanted[pairs[2]] = True
    hits = np.take_along_axis(wanted, np.argsort(-scores, 1, kind="stable")[:, :10], 1)
    gains, many = 1 / np.log2(np.arange(10) + 2), wanted.sum(1)
    ndcg = (hits * gains).sum(1) / np.cumsum(gains)[np.clip(many, 1, 10) - 1]
    recall = hits.sum(1) / np.maximum(many, 1)
    names = data.id2token(data.uid_field, np.arange(data.user_num))
    found = {"cpu": seconds, "told": {name: float(value) for name, value in told.items()}}
    for name, values in (("ndcg", ndcg), ("recall", recall)):
        found[name] = {str(names[user]): float(values[user]) for user in np.flatnonzero(many)}
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / f"{NAMES[asked.net]}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
