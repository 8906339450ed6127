"""The walk through the whole tutorial with the real AWS CLI, against a Tabletop of its own (``make demo``).

``tutorial``     steps 1 to 7 and the cleanup: the tutorial's commands to the letter, and what each must answer
``challenges``   the five challenge exercises, what the role may not do, and what the function logged
``steps``        the nouns: a Step has Commands, a Command has Checks
``walk``         runs the steps, shows and checks every answer, and counts
``surroundings`` the server, its data directory, and the AWS settings: all in .demo/, nothing of the user's is touched
"""
