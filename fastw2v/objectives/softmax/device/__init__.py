"""The output layer of the exact softmax by PyTorch: on a GPU, or on the CPU for tests of the same.

`device.library` opens PyTorch and a device, `device.tiles` has the step over a tile as functions on
tensors, `device.entries` brings batches to the device, `device.memory` says what fits,
`device.tables` holds output vectors there, `device.moves` moves them, `device.layer` is the layer.
PyTorch is imported when a device is asked for, never before.

Imports `objectives.softmax.output_layer`, its optimisers and what is below `objectives`.
"""
