"""What is learned: parameters, losses and one step of training.

Imports `counts`, `text`, `kernels`, `system`, `config`. Within: losses > softmax | stream >
embeddings > huffman | noise | arrays.
"""
