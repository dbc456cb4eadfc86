"""The REAPER panel and actions: Lua that runs inside REAPER, and the Python that builds and draws what is committed beside it."""
