"""What a party runs on its own machine: it signs with its own key, and believes no server.

Begin at `touchstone.client.acting`: `Client.open(folder, server, party="example-lab", pinned=key)`.
"""
