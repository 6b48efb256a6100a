"""One judge over many identities: trained evenly, and measured on who was left out."""
