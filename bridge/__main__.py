"""`python -m bridge` is `inspire`. Nothing is imported before it is clear who asks: the engine's process reads this file too."""

if __name__ == "__main__":
    from bridge.cli import main

    main()
