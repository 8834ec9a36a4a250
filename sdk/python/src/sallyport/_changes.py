from sallyport import _hub
from sallyport._sources import Source


async def wait_change(source: Source, generation: int) -> int:
    """Waits until a credential, trust store or ticket keys are beyond `generation`, and answers where they are.

    Raises what a reload fails with meanwhile, by call or by watching.
    """
    return await _hub.current().run(source._function("wait_change_async"), source._handle, generation, 0)
