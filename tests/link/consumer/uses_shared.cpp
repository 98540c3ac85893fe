// SPDX-License-Identifier: Apache-2.0
// Runs the network that lies in a shared library.
int run_network();

int main() { return run_network(); }
