import gzip

import numpy as np
import pytest

from mars_aurora.detect.yolo import VIEWS
from mars_aurora.picture import heatmap

torch = pytest.importorskip("torch", reason="only training needs torch: make train-setup")

from mars_aurora_model import optimiser, train, yolov5  # noqa: E402 -- after the skip
from mars_aurora_model.dataset import preprocess  # noqa: E402
from mars_aurora_model.labels import Label, Picture, write_set  # noqa: E402

SMALL = train.Config(epochs=2, batch=4, side=64, channels=8, warmup_steps=2, threads=1)


def make_pictures(count, seed=0):
    random = np.random.default_rng(seed)
    pictures = []
    for i in range(count):
        levels = random.integers(0, 30, (480, 640), np.uint8)
        (x, y), (width, height) = random.integers((150, 60), (380, 290)), random.integers(60, 110, 2)
        levels[y : y + height, x : x + width] = 220
        label = Label("aurora", float(x), float(y), float(x + width), float(y + height))
        pictures.append(Picture(str(i), "boxes", heatmap.encode(levels), (label,)))
    return pictures


def test_the_nano_size_has_its_parameters_and_levels():
    model = yolov5.YOLOv5()
    assert sum(p.numel() for p in model.parameters()) == 1_767_775
    raw = model.eval()(torch.zeros(1, VIEWS, 256, 256))
    assert [tuple(output.shape) for output in raw] == [(1, 3, 32, 32, 7), (1, 3, 16, 16, 7), (1, 3, 8, 8, 7)]
    assert model.decode(raw).shape == (1, 4032, 7)


def test_ciou_of_known_boxes():
    box = torch.tensor([[50.0, 50.0, 20.0, 10.0]])
    apart = torch.tensor([[80.0, 50.0, 20.0, 10.0]])
    assert yolov5.ciou(box, box).item() == pytest.approx(1, abs=1e-4)
    assert yolov5.ciou(box, apart).item() == pytest.approx(-(30**2) / (50**2 + 10**2), abs=1e-4)


def test_each_assigned_cell_can_express_its_target():
    anchors = torch.tensor(yolov5.ANCHORS_PX[0], dtype=torch.float32)
    targets = torch.tensor([[0, 1, 100.3, 57.9, 20, 30], [1, 0, 3.0, 250.0, 12, 12]])
    where, boxes, classes = yolov5.assign(targets, anchors, 8, 32, 40)
    assert len(where) > len(targets)
    assert ((boxes[:, :2] >= -0.5) & (boxes[:, :2] <= 1.5)).all()  # what 2 sigmoid - 0.5 reaches
    centres = (where[:, [3, 2]] + boxes[:, :2]) * 8
    assert torch.allclose(centres, targets[where[:, 0], 2:4], atol=1e-4)
    assert torch.equal(classes, targets[where[:, 0], 1].long())


def test_decoding_a_perfect_answer_gives_the_box_back():
    model = yolov5.YOLOv5()
    raw = [torch.full(shape, -9.0) for shape in [(1, 3, 32, 32, 7), (1, 3, 16, 16, 7), (1, 3, 8, 8, 7)]]
    raw[1][0, 1, 5, 7, :4] = 0  # centre of the cell, size of the anchor
    raw[1][0, 1, 5, 7, 4:] = 9
    boxes = model.decode(raw)[0]
    assert boxes[boxes[:, 4].argmax(), :4].tolist() == [7.5 * 16, 5.5 * 16, 62, 45]


def test_the_loss_falls_as_the_answer_nears_the_truth():
    torch.manual_seed(0)
    model = yolov5.YOLOv5(channels := 2, 8)
    assert channels == 2
    targets = torch.tensor([[0, 1, 40.0, 30.0, 20, 30]])
    raw = [torch.zeros(1, 3, 8 // k, 12 // k, 7) for k in (1, 2, 4)]
    where, _, _ = yolov5.assign(targets, model.anchors[0], 8, 8, 12)
    better = [r.clone() for r in raw]
    for output in better:
        output[..., 4] = -6
    image, anchor, row, column = where.unbind(1)
    better[0][image, anchor, row, column, 4] = 0
    assert yolov5.loss(model, better, targets) < yolov5.loss(model, raw, targets)


def test_boxes_of_neither_kind_cost_nothing_whatever_is_answered_there():
    torch.manual_seed(0)
    model = yolov5.YOLOv5(2, 8)
    raw = [torch.randn(1, 3, 8 // k, 12 // k, 7) for k in (1, 2, 4)]
    clear, doubtful = [0, 1, 20.0, 16.0, 20, 24], [0, yolov5.NEITHER, 76.0, 32.0, 30, 40]
    targets = torch.tensor([clear, doubtful])
    cost = yolov5.loss(model, raw, targets)
    for output, stride in zip(raw, yolov5.STRIDES, strict=True):
        output[:, :, 12 // stride : 52 // stride, -(-61 // stride) : 91 // stride, 4] = 9  # sure of an object there
    assert yolov5.loss(model, raw, targets) == cost
    assert yolov5.loss(model, raw, targets[:1]) > cost


def test_pictures_tell_the_sun_to_the_trainer_and_some_do_without(simulated_folder):
    names = sorted(path.name for path in simulated_folder.glob("*.fits.gz"))[:4]
    files = [(name.removesuffix(".gz"), gzip.decompress((simulated_folder / name).read_bytes())) for name in names]
    pngs = [preprocess(name, data)[0] for name, data in files]
    examples = train.load_examples([Picture(str(i), "", png, ()) for i, png in enumerate(pngs * 10)], 64)
    assert (examples.images[:, 3:].amin((2, 3)) > 0).all()
    ((images, _),) = train.draw_batches(examples, 40, np.random.default_rng(1))
    sunless = (images[:, 3:] == 0).all(3).all(2).all(1)
    assert 0 < sunless.sum() < 15
    assert images[sunless, 0].any()


def test_turned_targets_stay_on_their_pixels():
    examples = train.load_examples(make_pictures(8), 256)
    for images, targets in train.draw_batches(examples, 4, np.random.default_rng(3)):
        for image, _, x, y, width, height in targets.tolist():
            patch = images[int(image), 0, int(y - height / 2) + 2 : int(y + height / 2) - 2, int(x - width / 2) + 2 : int(x + width / 2) - 2]  # fmt: skip # noqa: E501
            assert (patch == 220).all()


@pytest.mark.parametrize("shape", [(12, 30), (30, 12)])
def test_orthogonalising_keeps_directions_and_evens_their_lengths(shape):
    torch.manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(size, 12)).Q for size in shape)
    matrix = left @ torch.diag(torch.logspace(0, -2, 12)) @ right.T
    inside = left.T @ optimiser.orthogonalise(matrix) @ right
    assert torch.allclose(inside, torch.diag(inside.diagonal()), atol=1e-4)
    assert ((inside.diagonal() > 0.5) & (inside.diagonal() < 1.3)).all()


def test_sixteen_bits_are_left_to_processors_that_reckon_in_them():
    assert not train.has_bfloat16({"avx2": True, "avx512_bf16": False})
    assert train.has_bfloat16({"avx2": True, "avx512_bf16": True})
    assert train.has_bfloat16({"neon": True, "bf16": True})


def test_a_step_turns_all_directions_of_a_bank_of_filters_by_as_much(tmp_path):
    trainer = train.Trainer(SMALL, tmp_path)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    images = torch.rand(4, VIEWS, 64, 64).contiguous(memory_format=torch.channels_last)
    targets = torch.tensor([[0, 1, 30.0, 30, 20, 16], [2, 0, 32.0, 32, 60, 60]])
    yolov5.loss(trainer.model, trainer.model(images), targets).backward()
    trainer.optimiser.step(0.01)
    for name, parameter in trainer.model.named_parameters():
        assert (parameter - before[name]).abs().max() > 0, name
    weight = trainer.model.to_p3[1].conv.weight
    step = torch.linalg.svdvals((weight - before["to_p3.1.conv.weight"]).detach().flatten(1))
    gradient = torch.linalg.svdvals(weight.grad.flatten(1))
    assert step.max() < 2.5 * step.min()
    assert gradient.max() > 5 * gradient.min()


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
    pictures = make_pictures(12)
    examples = train.load_examples(pictures, SMALL.side)
    whole = train.Trainer(SMALL, tmp_path / "whole")
    whole.run(examples, examples)
    first = train.Trainer(SMALL, tmp_path / "broken")
    steps = SMALL.epochs * 3
    first.history.append({"epoch": 1, "loss": first.train_epoch(examples, steps)})
    first.save()
    second = train.Trainer(SMALL, tmp_path / "broken")
    second.resume()
    second.run(examples, examples)
    for name, weights in whole.mean.state_dict().items():
        assert torch.equal(weights, second.mean.state_dict()[name]), name


def test_a_checkpoint_of_another_configuration_is_not_taken_up(tmp_path):
    train.Trainer(SMALL, tmp_path).save()
    with pytest.raises(ValueError, match="move it away"):
        train.Trainer(train.Config(epochs=5), tmp_path).resume()


def test_sagemaker_variables_arguments_and_config_files_are_read(tmp_path):
    (tmp_path / "quick.toml").write_text("epochs = 3\nbatch = 8\n")
    environment = {"SM_CHANNEL_TRAINING": "/opt/ml/input/data/training", "SM_MODEL_DIR": "/opt/ml/model"}
    words = ["--config", str(tmp_path / "quick.toml"), "--batch", "4"]
    arguments = train.parse_arguments(environment, words)
    assert str(arguments.data) == "/opt/ml/input/data/training"
    assert str(arguments.model_dir) == "/opt/ml/model"
    assert train.read_config(arguments) == train.Config(epochs=3, batch=4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_onnx_gives_the_boxes_that_torch_gives(tmp_path):
    pytest.importorskip("onnx", reason="export needs onnx: make train-setup")
    from mars_aurora.detect.yolo import load  # noqa: PLC0415
    from mars_aurora_model import export  # noqa: PLC0415 -- after the skip

    torch.manual_seed(0)
    trainer = train.Trainer(SMALL, tmp_path)
    examples = train.load_examples(make_pictures(8), SMALL.side)
    trainer.run(examples, examples)
    model, config = export.load_model(trainer.checkpoint)
    pixels = examples.images[:1].float() / 255
    wanted = model.decode(model(pixels)).detach().numpy()
    graph = export.to_onnx(model, config["side"], {"mars": 0.5, "aurora": 0.3})
    (tmp_path / "small.onnx").write_bytes(graph.SerializeToString())
    network = load(tmp_path / "small.onnx")
    got = network.session.run(None, {"image": pixels.numpy()})[0]
    assert np.abs(got - wanted)[..., :4].max() < 0.5  # px; weights are rounded to 16 bits
    assert np.abs(got - wanted)[..., 4:].max() < 0.01
    assert network.thresholds == {"mars": 0.5, "aurora": 0.3}
    assert (network.classes, network.side) == (("mars", "aurora"), 64)


def test_what_ships_can_be_learnt_on_from(tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="restoring needs onnx: make train-setup")
    from mars_aurora.detect.yolo import load  # noqa: PLC0415
    from mars_aurora_model import export, restore  # noqa: PLC0415 -- after the skip

    write_set(tmp_path / "pictures", make_pictures(8))
    checkpoint = tmp_path / "shipped" / "checkpoint.pt"
    monkeypatch.setattr("sys.argv", ["restore", str(checkpoint), "--pictures", str(tmp_path / "pictures")])
    restore.main()
    model, config = export.load_model(checkpoint)
    shipped = load()
    assert config["side"] == shipped.side
    pixels = train.load_examples(make_pictures(8), shipped.side).images.float() / 255
    wanted = np.concatenate([shipped.session.run(None, {"image": image[None].numpy()})[0] for image in pixels])
    with torch.no_grad():
        got, learning = (model.train(mode).decode(model(pixels)).numpy() for mode in (False, True))
    np.testing.assert_allclose(got[..., :4], wanted[..., :4], atol=0.01)  # px
    np.testing.assert_allclose(got[..., 4:], wanted[..., 4:], atol=1e-3)
    sure = wanted[..., 4] > 0.5  # the norms are those of these pictures, so learning starts from what is known
    assert sure.any()
    assert np.abs(learning - wanted)[sure][:, 4].mean() < 0.1
    trainer = train.Trainer(train.Config(start=str(checkpoint), threads=1), tmp_path)
    assert torch.equal(trainer.model.to_p3[0].conv.weight, model.to_p3[0].conv.weight)
