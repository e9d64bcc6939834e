"""The vendor's side: requests, responses, pages, and whether all of them came."""
