"""Who asks, and what they may do: signatures, principals, policies, IAM and STS. No sockets, no clock.

Reading order:
``signatures``       what a signed request says about its signer (pure)
``sigv4``            whether its signature is right (pure)
``signature_errors`` how each service words a refused signature
``credentials``      access keys that Tabletop issued: drawn, sealed at rest, opened again
``authentication``   request -> Principal
``patterns``, ``conditions``, ``policies``, ``policy_grammar``   a policy document: matched, compiled, validated
``evaluation``       compiled policies and one question -> Decision (pure)
``context``          the condition keys of a request
``holdings``         who holds which policies, compiled
``authorization``    call and targets -> nothing, or AccessDenied in the service's words
``explanation``, ``journal``, ``generation``   refusals explained and kept; the least policy for what was done
``simulation``, ``simulation_results``, ``positions``, ``exclusions``   the policy simulator, with the same evaluation
``records``          where roles, users, policies and keys are kept
``operation``, ``names``, ``kinds``, ``holders``, ``tagging``   what the API's families share
``roles``, ``users``, ``groups``, ``access_keys``, ``instance_profiles``, ``managed_policies``, ``policy_versions``,
``account``, ``account_details``, ``password_policy``, ``login_profiles``, ``mfa_devices``,
``ssh_public_keys``, ``signing_certificates``, ``service_credentials`` (over ``belongings``), ``server_certificates``,
``identity_providers``, ``saml_providers``, ``service_linked_roles``,
``credential_report``, ``last_accessed``   the API by families, listed in ``families``
``totp``             the codes of MFA devices (pure)
``sts``, ``session_tokens``, ``unverifiable``   STS, over ``sessions``
``root_key``         the root's own key
``uses``             when a key or role was used last
``aws_managed``, ``targets``   AWS's own policies; what each call must be allowed to do
``service``          ``Iam``: what the layers above use

Invariants: an access key id that Tabletop ever issued is never taken for a stranger's (its last characters are a
keyed checksum), so that a deleted or expired key cannot become the root; policies are read from the same view as the
data they guard, and compiled forms are kept beside the bytes they came from, so that a change is seen at once.
"""
