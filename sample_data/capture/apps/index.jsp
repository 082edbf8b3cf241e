<html><body>shop <%= new java.util.Date() %></body></html>
