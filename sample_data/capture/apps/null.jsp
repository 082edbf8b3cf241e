<% String s = null; out.print(s.length()); %>
