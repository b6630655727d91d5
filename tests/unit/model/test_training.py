import gzip

import numpy as np
import pytest

from mars_aurora.detect.calibration import Calibration
from mars_aurora.detect.view import CHANNELS
from mars_aurora.picture import png
from mars_aurora.picture.picture import Picture

torch = pytest.importorskip("torch", reason="only training needs torch: make train-setup")

from mars_aurora_model import config, examples, loss, optimizer, train, yolov5  # noqa: E402 -- after the skip
from mars_aurora_model.dataset import preprocess  # noqa: E402 -- after importorskip
from mars_aurora_model.labels import Label, LabeledPicture, write_set  # noqa: E402 -- as above

SMALL = config.Config(epochs=2, batch=4, side=64, channels=8, warmup_steps=2, threads=1)


def make_pictures(count, seed=0):
    random = np.random.default_rng(seed)
    pictures = []
    for i in range(count):
        levels = random.integers(0, 30, (480, 640), np.uint8)
        (x, y), (width, height) = random.integers((150, 60), (380, 290)), random.integers(60, 110, 2)
        levels[y : y + height, x : x + width] = 220
        label = Label("aurora", float(x), float(y), float(x + width), float(y + height))
        pictures.append(LabeledPicture(str(i), "boxes", png.write(Picture(levels)), (label,)))
    return pictures


def test_nano_network_has_its_number_of_parameters_and_levels():
    model = yolov5.YOLOv5()
    assert sum(p.numel() for p in model.parameters()) == 1_768_351
    raw = model.eval()(torch.zeros(1, CHANNELS, 256, 256))
    assert [tuple(output.shape) for output in raw] == [(1, 3, 32, 32, 7), (1, 3, 16, 16, 7), (1, 3, 8, 8, 7)]
    assert model.decode(raw).shape == (1, 4032, 7)


def test_ciou_of_known_boxes():
    box = torch.tensor([[50.0, 50.0, 20.0, 10.0]])
    apart = torch.tensor([[80.0, 50.0, 20.0, 10.0]])
    assert loss.ciou(box, box).item() == pytest.approx(1, abs=1e-4)
    assert loss.ciou(box, apart).item() == pytest.approx(-(30**2) / (50**2 + 10**2), abs=1e-4)


def test_assigned_cells_can_represent_their_target():
    anchors = torch.tensor(yolov5.ANCHORS_PX[0], dtype=torch.float32)
    targets = torch.tensor([[0, 1, 100.3, 57.9, 20, 30], [1, 0, 3.0, 250.0, 12, 12]])
    where, boxes, classes = loss.assign(targets, anchors, 8, 32, 40)
    assert len(where) > len(targets)
    assert ((boxes[:, :2] >= -0.5) & (boxes[:, :2] <= 1.5)).all()  # range of 2 sigmoid - 0.5
    centers = (where[:, [3, 2]] + boxes[:, :2]) * 8
    assert torch.allclose(centers, targets[where[:, 0], 2:4], atol=1e-4)
    assert torch.equal(classes, targets[where[:, 0], 1].long())


def test_decode_inverts_a_known_box():
    model = yolov5.YOLOv5()
    raw = [torch.full(shape, -9.0) for shape in [(1, 3, 32, 32, 7), (1, 3, 16, 16, 7), (1, 3, 8, 8, 7)]]
    raw[1][0, 1, 5, 7, :4] = 0  # center of the cell, size of the anchor
    raw[1][0, 1, 5, 7, 4:] = 9
    boxes = model.decode(raw)[0]
    assert boxes[boxes[:, 4].argmax(), :4].tolist() == [7.5 * 16, 5.5 * 16, 62, 45]


def test_loss_is_lower_for_a_better_prediction():
    torch.manual_seed(0)
    model = yolov5.YOLOv5(channels := 2, 8)
    assert channels == 2
    targets = torch.tensor([[0, 1, 40.0, 30.0, 20, 30]])
    raw = [torch.zeros(1, 3, 8 // k, 12 // k, 7) for k in (1, 2, 4)]
    where, _, _ = loss.assign(targets, model.anchors[0], 8, 8, 12)
    better = [r.clone() for r in raw]
    for output in better:
        output[..., 4] = -6
    image, anchor, row, column = where.unbind(1)
    better[0][image, anchor, row, column, 4] = 0
    assert loss.compute_loss(model, better, targets) < loss.compute_loss(model, raw, targets)


def test_ignored_boxes_do_not_contribute_to_the_loss():
    torch.manual_seed(0)
    model = yolov5.YOLOv5(2, 8)
    raw = [torch.randn(1, 3, 8 // k, 12 // k, 7) for k in (1, 2, 4)]
    clear, doubtful = [0, 1, 20.0, 16.0, 20, 24], [0, loss.IGNORED, 76.0, 32.0, 30, 40]
    targets = torch.tensor([clear, doubtful])
    cost = loss.compute_loss(model, raw, targets)
    for output, stride in zip(raw, yolov5.STRIDES, strict=True):
        output[:, :, 12 // stride : 52 // stride, -(-61 // stride) : 91 // stride, 4] = (
            9  # predicts objects in the ignored box
        )
    assert loss.compute_loss(model, raw, targets) == cost
    assert loss.compute_loss(model, raw, targets[:1]) > cost


def test_examples_have_sza_channels_and_some_in_a_batch_lose_them(simulated_folder):
    names = sorted(path.name for path in simulated_folder.glob("*.fits.gz"))[:4]
    files = [(name.removesuffix(".gz"), gzip.decompress((simulated_folder / name).read_bytes())) for name in names]
    pngs = [preprocess(name, data)[0] for name, data in files]
    loaded = examples.load_examples([LabeledPicture(str(i), "", png, ()) for i, png in enumerate(pngs * 10)], 64)
    assert (loaded.images[:, 3:].amin((2, 3)) > 0).all()
    ((images, _),) = examples.draw_batches(loaded, 40, np.random.default_rng(1))
    without_sza = (images[:, 3:] == 0).all(3).all(2).all(1)
    assert 0 < without_sza.sum() < 15
    assert images[without_sza, 0].any()


def test_targets_follow_mirrored_and_transposed_pixels():
    loaded = examples.load_examples(make_pictures(8), 256)
    for images, targets in examples.draw_batches(loaded, 4, np.random.default_rng(3)):
        for image, _, x, y, width, height in targets.tolist():
            patch = images[int(image), 0, int(y - height / 2) + 2 : int(y + height / 2) - 2, int(x - width / 2) + 2 : int(x + width / 2) - 2]  # fmt: skip # noqa: E501 -- one slice
            assert (patch == 220).all()


@pytest.mark.parametrize("shape", [(12, 30), (30, 12)])
def test_orthogonalize_keeps_singular_vectors_and_equalizes_singular_values(shape):
    torch.manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(size, 12)).Q for size in shape)
    matrix = left @ torch.diag(torch.logspace(0, -2, 12)) @ right.T
    inside = left.T @ optimizer.orthogonalize(matrix) @ right
    assert torch.allclose(inside, torch.diag(inside.diagonal()), atol=1e-4)
    assert ((inside.diagonal() > 0.5) & (inside.diagonal() < 1.3)).all()


def test_bfloat16_is_used_only_with_native_support():
    assert not train.has_bfloat16({"avx2": True, "avx512_bf16": False})
    assert train.has_bfloat16({"avx2": True, "avx512_bf16": True})
    assert train.has_bfloat16({"neon": True, "bf16": True})


def test_optimizer_step_has_similar_singular_values(tmp_path):
    trainer = train.Trainer(SMALL, tmp_path)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    images = torch.rand(4, CHANNELS, 64, 64).contiguous(memory_format=torch.channels_last)
    targets = torch.tensor([[0, 1, 30.0, 30, 20, 16], [2, 0, 32.0, 32, 60, 60]])
    loss.compute_loss(trainer.model, trainer.model(images), targets).backward()
    trainer.optimizer.step(0.01)
    for name, parameter in trainer.model.named_parameters():
        assert (parameter - before[name]).abs().max() > 0, name
    weight = trainer.model.to_p3[1].conv.weight
    step = torch.linalg.svdvals((weight - before["to_p3.1.conv.weight"]).detach().flatten(1))
    gradient = torch.linalg.svdvals(weight.grad.flatten(1))
    assert step.max() < 2.5 * step.min()
    assert gradient.max() > 4 * gradient.min()


def test_resumed_run_equals_an_uninterrupted_one(tmp_path):
    pictures = make_pictures(12)
    loaded = examples.load_examples(pictures, SMALL.side)
    whole = train.Trainer(SMALL, tmp_path / "whole")
    whole.run(loaded, loaded)
    first = train.Trainer(SMALL, tmp_path / "broken")
    steps = SMALL.epochs * 3
    first.history.append({"epoch": 1, "loss": first.train_epoch(loaded, steps)})
    first.save()
    second = train.Trainer(SMALL, tmp_path / "broken")
    second.resume()
    second.run(loaded, loaded)
    for name, weights in whole.mean.state_dict().items():
        assert torch.equal(weights, second.mean.state_dict()[name]), name


def test_checkpoint_of_another_configuration_is_rejected(tmp_path):
    train.Trainer(SMALL, tmp_path).save()
    with pytest.raises(ValueError, match="another configuration"):
        train.Trainer(config.Config(epochs=5), tmp_path).resume()


def test_missing_set_ends_the_training_with_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["train", "--data", str(tmp_path), "--model-dir", str(tmp_path / "model")])
    with pytest.raises(SystemExit) as ended:
        train.main()
    error = capsys.readouterr().err
    assert (ended.value.code, error.count("\n")) == (2, 1)
    assert f"no complete set in {tmp_path}" in error


def test_sagemaker_variables_arguments_and_config_files_are_read(tmp_path):
    (tmp_path / "quick.toml").write_text("epochs = 3\nbatch = 8\n")
    environment = {"SM_CHANNEL_TRAINING": "/opt/ml/input/data/training", "SM_MODEL_DIR": "/opt/ml/model"}
    words = ["--config", str(tmp_path / "quick.toml"), "--batch", "4"]
    arguments = config.parse_arguments(environment, words)
    assert str(arguments.data) == "/opt/ml/input/data/training"
    assert str(arguments.model_dir) == "/opt/ml/model"
    assert config.read_config(arguments) == config.Config(epochs=3, batch=4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_onnx_and_torch_predict_the_same_boxes(tmp_path):
    pytest.importorskip("onnx", reason="export needs onnx: make train-setup")
    from mars_aurora.detect.yolo import load  # noqa: PLC0415 -- needs the exported weights
    from mars_aurora_model import export  # noqa: PLC0415 -- after the skip

    torch.manual_seed(0)
    trainer = train.Trainer(SMALL, tmp_path)
    loaded = examples.load_examples(make_pictures(8), SMALL.side)
    trainer.run(loaded, loaded)
    model, trained = export.load_model(trainer.checkpoint)
    pixels = loaded.images[:1].float() / 255
    wanted = model.decode(model(pixels)).detach().numpy()
    graph = export.to_onnx(model, trained["side"])
    calibrations = {"mars": Calibration(), "aurora": Calibration(0.7, 0.6, -0.2)}
    export.set_metadata(graph, calibrations, {"mars": 0.5, "aurora": 0.3})
    (tmp_path / "small.onnx").write_bytes(graph.SerializeToString())
    network = load(tmp_path / "small.onnx", rescoring=None)
    got = network.session.run(None, {"image": pixels.numpy()})[0]
    assert np.abs(got - wanted)[..., :4].max() < 0.5  # px; weights are rounded to 16 bits
    assert np.abs(got - wanted)[..., 4:].max() < 0.01
    assert network.thresholds == {"mars": 0.5, "aurora": 0.3}
    assert (network.classes, network.side, network.calibrations) == (("mars", "aurora"), 64, calibrations)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_exported_weights_are_calibrated_on_a_set_of_their_own(tmp_path):
    pytest.importorskip("onnx", reason="export needs onnx: make train-setup")
    from mars_aurora.detect.yolo import load  # noqa: PLC0415 -- needs the exported weights
    from mars_aurora_model import export  # noqa: PLC0415 -- after the skip

    torch.manual_seed(0)
    for number, name in enumerate(("calibration", "selection")):
        write_set(tmp_path / name, make_pictures(6, number))
    model = yolov5.YOLOv5(2, 8)
    for head in model.heads:
        torch.nn.init.zeros_(head.bias)  # so that boxes have a confidence of about 0.25
    thresholds = export.export(model, 64, tmp_path, tmp_path / "weights.onnx")
    network = load(tmp_path / "weights.onnx", rescoring=None)
    assert network.thresholds == thresholds
    assert network.calibrations["aurora"] != Calibration()
    assert not list(tmp_path.glob("*.tmp"))


def test_shipped_weights_are_restored_for_fine_tuning(tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="restoring needs onnx: make train-setup")
    from mars_aurora.detect.yolo import load  # noqa: PLC0415 -- needs the exported weights
    from mars_aurora_model import export, restore  # noqa: PLC0415 -- after the skip

    write_set(tmp_path / "pictures", make_pictures(8))
    checkpoint = tmp_path / "shipped" / "checkpoint.pt"
    monkeypatch.setattr("sys.argv", ["restore", str(checkpoint), "--pictures", str(tmp_path / "pictures")])
    restore.main()
    model, trained = export.load_model(checkpoint)
    shipped = load()
    assert trained["side"] == shipped.side
    pixels = examples.load_examples(make_pictures(8), shipped.side).images.float() / 255
    wanted = np.concatenate([shipped.session.run(None, {"image": image[None].numpy()})[0] for image in pixels])
    with torch.no_grad():
        got, training = (model.train(mode).decode(model(pixels)).numpy() for mode in (False, True))
    np.testing.assert_allclose(got[..., :4], wanted[..., :4], atol=0.01)  # px
    np.testing.assert_allclose(got[..., 4:], wanted[..., 4:], atol=1e-3)
    confident = wanted[..., 4] > 0.5  # in training mode too, since the norms are fitted to these pictures
    assert confident.any()
    assert np.abs(training - wanted)[confident][:, 4].mean() < 0.1
    trainer = train.Trainer(config.Config(start=str(checkpoint), threads=1), tmp_path)
    assert torch.equal(trainer.model.to_p3[0].conv.weight, model.to_p3[0].conv.weight)


def test_weights_for_fewer_channels_give_the_same_boxes_for_any_content_of_the_new_channel():
    torch.manual_seed(3)
    wide = yolov5.YOLOv5(2, 8).eval()
    narrow = wide.state_dict()
    first = next(name for name, values in narrow.items() if values.ndim == 4)
    narrow[first] = narrow[first][:, :-1]
    wide.load_state_dict(train.widen(narrow, CHANNELS))
    image = torch.rand(1, CHANNELS, 64, 64)
    other = image.clone()
    other[:, -1] = 0
    for one, two in zip(wide(image), wide(other), strict=True):
        assert torch.equal(one, two)
    assert torch.equal(train.widen(wide.state_dict(), CHANNELS)[first], wide.state_dict()[first])
