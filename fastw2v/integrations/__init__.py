"""Other libraries, a module each: scikit-learn, TensorBoard, MLflow, Weights & Biases.

Imports `model`, `text`, `system`, `config`, `callbacks`. A tracker is imported when a callback is
made, not before; `sklearn` imports scikit-learn, which its class derives from.
"""
