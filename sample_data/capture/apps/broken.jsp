<% int x = Integer.parseInt("not a number"); %>
