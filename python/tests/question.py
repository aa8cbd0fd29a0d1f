"""The network of the question that this project began with, as it was asked about: three bugs, none of them mended."""

import numpy as np


class NeuralNetwork:
    def __init__(self, input_nodes, hidden_1_nodes, hidden_2_nodes, output_nodes, learning_rate, seed=1):
        rng = np.random.default_rng(seed)
        normal = lambda ins, outs: rng.normal(0.0, ins**-0.5, (ins, outs))
        self.weights_i_to_h1 = normal(input_nodes, hidden_1_nodes)
        self.weights_h1_to_h2 = normal(hidden_1_nodes, hidden_2_nodes)
        self.weights_h2_to_o = normal(hidden_2_nodes, output_nodes)
        self.bias_i_to_h1 = rng.normal(0.0, 0.1, hidden_1_nodes)
        self.bias_h1_to_h2 = rng.normal(0.0, 0.1, hidden_2_nodes)
        self.bias_h2_to_o = rng.normal(0.0, 0.1, output_nodes)
        self.lr = learning_rate
        self.loss = None

    def train(self, features, targets, look=lambda variables: None):
        n_records = features.shape[0]
        # placeholders for weights and biases change values
        delta_weights_i_h1 = np.zeros(self.weights_i_to_h1.shape)
        delta_weights_h1_h2 = np.zeros(self.weights_h1_to_h2.shape)
        delta_weights_h2_o = np.zeros(self.weights_h2_to_o.shape)
        delta_bias_i_h1 = np.zeros(self.bias_i_to_h1.shape)
        delta_bias_h1_h2 = np.zeros(self.bias_h1_to_h2.shape)
        delta_bias_h2_o = np.zeros(self.bias_h2_to_o.shape)
        for X, y in zip(features, targets):
            ### forward pass
            # input to hidden 1
            inputs_to_h1_layer = np.dot(X, self.weights_i_to_h1) + self.bias_i_to_h1
            inputs_to_h1_layer_activated = self.activation_ReLU(inputs_to_h1_layer)
            # hidden 1 to hidden 2
            h1_to_h2_layer = np.dot(inputs_to_h1_layer_activated, self.weights_h1_to_h2) + self.bias_h1_to_h2
            h1_to_h2_layer_activated = self.activation_ReLU(h1_to_h2_layer)
            # hidden 2 to output
            h2_to_output_layer = np.dot(h1_to_h2_layer_activated, self.weights_h2_to_o) + self.bias_h2_to_o
            h2_to_output_layer_activated = self.softmax(h2_to_output_layer)
            # output
            final_outputs = h2_to_output_layer_activated
            ### backpropagation
            # output to hidden2
            error = y - final_outputs
            output_error_term = error.dot(self.dsoftmax(h2_to_output_layer_activated))
            h2_error = np.dot(output_error_term, self.weights_h2_to_o.T)
            h2_error_term = h2_error * self.activation_dReLU(h1_to_h2_layer_activated)
            # hidden2 to hidden1
            h1_error = np.dot(h2_error_term, self.weights_h1_to_h2.T)
            h1_error_term = h1_error * self.activation_dReLU(inputs_to_h1_layer_activated)
            # weight & bias step (input to hidden)
            delta_weights_i_h1 += h1_error_term * X[:, None]
            delta_bias_i_h1 = np.sum(h1_error_term, axis=0)
            # weight & bias step (hidden1 to hidden2)
            delta_weights_h1_h2 += h2_error_term * inputs_to_h1_layer_activated[:, None]
            delta_bias_h1_h2 = np.sum(h2_error_term, axis=0)
            # weight & bias step (hidden2 to output)
            delta_weights_h2_o += output_error_term * h1_to_h2_layer_activated[:, None]
            delta_bias_h2_o = np.sum(output_error_term, axis=0)
        look(locals())
        # update the weights and biases
        self.weights_i_to_h1 += self.lr * delta_weights_i_h1 / n_records
        self.weights_h1_to_h2 += self.lr * delta_weights_h1_h2 / n_records
        self.weights_h2_to_o += self.lr * delta_weights_h2_o / n_records
        self.bias_i_to_h1 += self.lr * delta_bias_i_h1 / n_records
        self.bias_h1_to_h2 += self.lr * delta_bias_h1_h2 / n_records
        self.bias_h2_to_o += self.lr * delta_bias_h2_o / n_records

    def run(self, features):
        h1 = self.activation_ReLU(np.dot(features, self.weights_i_to_h1) + self.bias_i_to_h1)
        h2 = self.activation_ReLU(np.dot(h1, self.weights_h1_to_h2) + self.bias_h1_to_h2)
        return self.softmax(np.dot(h2, self.weights_h2_to_o) + self.bias_h2_to_o)

    def evaluate(self, features, targets):
        self.loss = categorical_cross_entropy(self.run(features), targets)

    def activation_ReLU(self, x):
        return x * (x > 0)

    def activation_dReLU(self, x):
        return 1.0 * (x > 0)

    def softmax(self, x):
        z = x - np.max(x)
        return np.exp(z) / np.sum(np.exp(z))

    def dsoftmax(self, x):
        vec_len = len(x)
        J = np.zeros((vec_len, vec_len))
        for i in range(vec_len):
            for j in range(vec_len):
                if i == j:
                    J[i][j] = x[i] * (1 - x[j])
                else:
                    J[i][j] = -x[i] * x[j]
        return J


def categorical_cross_entropy(pred, target):
    return (1 / len(pred)) * -np.sum(target * np.log(pred))


def batch(samples=37, inputs=20, classes=10, seed=2):
    """A batch with every class, as of images: inputs from 0 to 1, targets one-hot."""
    rng = np.random.default_rng(seed)
    return rng.random((samples, inputs)), np.eye(classes)[rng.permutation(np.arange(samples) % classes)]
