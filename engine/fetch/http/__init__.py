"""Servers: one way to ask them, whatever they are.

    transport, client, local, oci, response   who is asked, and what an answer is
    revalidate                                one small question, by what the standard library has
    transfer, pipe, pace, retry, mirrors      bytes that arrive although connections break or crawl
    broken                                    and what says that no more will come
    auth, identity, login, credential_*       who we are
    proxy, redirect, tls, settings, errors    the way there, and what goes wrong on it

Start at `transport.Transport`; `client` alone knows aiohttp.
"""
