"""The gateway: one straight function for every request: admit, route, authenticate, decode, authorise, run, encode.

``gateway``   the function; DynamoDB's requests take the short way (JSON in, JSON out), all others go by botocore's models
``pages``     what is no API: the health pages, CORS preflights, what was not found
``ports``     what the gateway needs of a service
"""
