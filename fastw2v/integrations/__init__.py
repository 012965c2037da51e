"""Callbacks for trackers of experiments, one module each: TensorBoard, MLflow, Weights & Biases.

A module imports its tracker when a callback is made, not before.
"""
