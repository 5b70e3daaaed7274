"""torchvision and what is built on it can be imported in any order, whether or not its operators load."""

from __future__ import annotations

import os
import subprocess
import sys


def run(code: str) -> str:
    """What ``code`` prints in a fresh interpreter; its failure is the test's."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_looking_for_torchvision_loads_nothing() -> None:
    run(
        "import sys, danlu; from danlu._compat import torchvision as t; t.hook(); t.hook()\n"
        "assert sum(type(f) is t._Finder for f in sys.meta_path) == 1\n"
        "import importlib.util; spec = importlib.util.find_spec('torchvision')\n"
        "assert spec is not None and 'torch' not in sys.modules\n"
    )


def test_torchvision_and_timm_by_the_hook_alone() -> None:
    """The user's own module imports timm; nobody called ensure()."""
    out = run(
        "import danlu\n"
        "import timm, torchvision, torch\n"
        "net = torchvision.models.resnet18(weights=None, num_classes=3).eval()\n"
        "assert net(torch.zeros(1, 3, 32, 32)).shape == (1, 3)\n"
        "assert timm.create_model('resnet10t', num_classes=4).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 4)\n"
        "boxes = torch.tensor([[0., 0, 4, 4], [0, 0, 4, 3.9], [5, 5, 6, 6]])\n"
        "from torchvision.ops import nms, batched_nms, roi_align\n"
        "assert nms(boxes, torch.tensor([.9, .8, .7]), .5).tolist() == [0, 2]\n"
        "assert batched_nms(boxes, torch.tensor([.9, .8, .7]), torch.tensor([0, 1, 1]), .5).tolist() == [0, 1, 2]\n"
        "one = roi_align(torch.ones(1, 1, 8, 8), [boxes], 2)\n"
        "assert one.shape == (3, 1, 2, 2) and one.min() > .99\n"
        "from danlu._compat import torchvision as t; print(t.ensure())\n"
    )
    assert out.strip() in ("compiled", "replaced")


def test_detector_runs_nms_has_a_fake_and_what_is_unavailable_says_so() -> None:
    run(
        "from danlu._compat import torchvision as t; state = t.ensure(); t.ensure()\n"
        "import torch, torchvision\n"
        "from torch._subclasses.fake_tensor import FakeTensorMode\n"
        "from torch.fx.experimental.symbolic_shapes import ShapeEnv\n"
        "from torchvision import io, ops\n"
        "with FakeTensorMode(shape_env=ShapeEnv()):\n"
        "    kept = ops.nms(torch.rand(6, 4), torch.rand(6), .3)\n"
        "    assert kept.dtype == torch.int64 and kept.ndim == 1\n"
        "make = torchvision.models.detection.fasterrcnn_mobilenet_v3_large_320_fpn\n"
        "net = make(weights=None, weights_backbone=None)\n"
        "image = torch.rand(3, 64, 64)\n"
        "target = {'boxes': torch.tensor([[4., 4, 40, 40]]), 'labels': torch.tensor([1])}\n"
        "loss = sum(net([image], [target]).values()); loss.backward()\n"
        "assert torch.isfinite(loss) and net.roi_heads.box_head.fc6.weight.grad.abs().sum() > 0\n"
        "assert set(net.eval()([image])[0]) == {'boxes', 'labels', 'scores'}\n"
        "x = torch.rand(1, 4, 4, 4)\n"
        "for name, call in {\n"
        "    'roi_pool': lambda: ops.roi_pool(x, torch.zeros(1, 5), 2),\n"
        "    'ps_roi_align': lambda: ops.ps_roi_align(x, torch.zeros(1, 5), 2),\n"
        "    'deform_conv2d': lambda: ops.deform_conv2d(x, torch.zeros(1, 18, 4, 4), torch.zeros(4, 4, 3, 3)),\n"
        "    'torchvision.io': lambda: io.decode_image(torch.zeros(4, dtype=torch.uint8)),\n"
        "}.items() if state == 'replaced' else ():\n"
        "    try: call()\n"
        "    except t.OperatorUnavailableError as e: assert name in str(e) and 'Install' in str(e), e\n"
        "    else: raise AssertionError(name)\n"
    )


def test_after_a_failed_import_it_still_works() -> None:
    run(
        "try: import torchvision\n"
        "except (RuntimeError, ImportError): pass\n"
        "from danlu._compat import torchvision as t; t.ensure()\n"
        "import torchvision, timm\n"
        "import torch; torchvision.ops.nms(torch.rand(2, 4), torch.rand(2), .5)\n"
    )


def test_half_imported_is_said_clearly() -> None:
    run(
        "import sys, types, importlib.machinery as m\n"
        "half = types.ModuleType('torchvision'); half.__spec__ = m.ModuleSpec('torchvision', None)\n"
        "half.__spec__._initializing = True; sys.modules['torchvision'] = half\n"
        "from danlu._compat import torchvision as t\n"
        "try: t.ensure()\n"
        "except RuntimeError as e: assert 'half imported' in str(e)\n"
        "else: raise AssertionError\n"
    )


def test_compiled_operators_are_left_alone() -> None:
    """Where torchvision::nms is there already, nothing of ours is defined."""
    run(
        "import torch\n"
        "lib = torch.library.Library('torchvision', 'DEF')\n"
        "lib.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        "lib.impl('nms', lambda d, s, t: torch.full((1,), 7), 'CPU')\n"
        "from danlu._compat import torchvision as t\n"
        "t._compiled = lambda spec: True\n"
        "assert t.ensure() == 'compiled' and t._library is None\n"
        "assert torch.ops.torchvision.nms(torch.rand(1, 4), torch.rand(1), .5).item() == 7\n"
    )


def test_absent() -> None:
    run(
        "import sys\n"
        "from danlu._compat import torchvision as t\n"
        "import importlib.util\n"
        "importlib.util.find_spec = lambda name: None\n"
        "assert t.ensure() == 'absent' and 'torch' not in sys.modules\n"
    )
