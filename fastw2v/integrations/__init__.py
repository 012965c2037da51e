"""Other libraries: indexes of vectors, scikit-learn, TensorBoard, MLflow, Weights & Biases.

Imports `model`, `formats`, `objectives`, `text`, `system`, `config`, `callbacks`. A tracker or a
library of indexes is imported when it is used, not before; `sklearn` imports scikit-learn, which
its class derives from.
"""
