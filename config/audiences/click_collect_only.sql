-- Buyers whom the web shop does not know, and who came at least twice: one row per customer_key.
select customer_key
from marts.customer_360
where sources = 'click_collect' and count_orders >= 2
