"""The vendor's side: requests, answers, pages, and whether all of them came."""
