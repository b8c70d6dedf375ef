"""Pages of a house in which all is invented, where anybody becomes anybody by a click."""
