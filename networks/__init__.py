"""The networks: torsos, which compute features of observations, and the heads of policies and value."""
