"""One file for each API action: validate, plan or read, answer. ``operation`` says what an action is; ``actions`` lists them."""
