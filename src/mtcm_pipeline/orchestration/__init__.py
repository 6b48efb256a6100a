"""What ties the pipelines to Kedro: configuration, identities, versions, manifests."""
